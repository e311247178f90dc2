*> SPDX-License-Identifier: Apache-2.0
*> OPEN EXTEND adds to a file; then an end with RETURN-CODE as the command line says.
identification division.
program-id. EXTENDS.
environment division.
input-output section.
file-control.
    select log-file assign to "LOG" organization line sequential.
data division.
file section.
fd  log-file.
01  log-line pic x(20).
working-storage section.
01  told pic x(20).
procedure division.
    accept told from command-line
    open extend log-file
    write log-line from "added"
    close log-file
    compute return-code = function numval(told)
    stop run.
