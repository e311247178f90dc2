*> SPDX-License-Identifier: Apache-2.0
*> STOP RUN with a number: the number is the return code.
identification division.
program-id. STOPN.
environment division.
input-output section.
file-control.
    select out-file assign to "OUT" organization line sequential.
data division.
file section.
fd  out-file.
01  out-line pic x(20).
procedure division.
    open output out-file
    write out-line from "half a report"
    close out-file
    stop run 7.
