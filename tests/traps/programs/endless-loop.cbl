*> SPDX-License-Identifier: Apache-2.0
*> A loop whose end never comes, after an output was written.
identification division.
program-id. ENDLESS.
environment division.
input-output section.
file-control.
    select out-file assign to "OUT" organization line sequential.
data division.
file section.
fd  out-file.
01  out-line pic x(20).
working-storage section.
01  n binary-long value 0.
procedure division.
    open output out-file
    write out-line from "half a report"
    close out-file
    perform until n < 0
        move 1 to n
    end-perform
    stop run.
