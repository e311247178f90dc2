*> SPDX-License-Identifier: Apache-2.0
*> A RETURN-CODE that 8 bits cannot hold. The command line says which, so that one source shows 256, 300 and -1.
identification division.
program-id. RETCODE.
environment division.
input-output section.
file-control.
    select out-file assign to "OUT" organization line sequential.
data division.
file section.
fd  out-file.
01  out-line pic x(20).
working-storage section.
01  told pic x(20).
procedure division.
    accept told from command-line
    open output out-file
    write out-line from "half a report"
    close out-file
    compute return-code = function numval(told)
    stop run.
