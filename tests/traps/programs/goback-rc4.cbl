*> SPDX-License-Identifier: Apache-2.0
*> GOBACK with RETURN-CODE 4: a warning, as POSTTRAN gives it when there are rejects. The output counts.
identification division.
program-id. WARNING4.
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
    write out-line from "1 reject"
    close out-file
    move 4 to return-code
    goback.
