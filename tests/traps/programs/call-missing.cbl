*> SPDX-License-Identifier: Apache-2.0
*> CALL of a program that is nowhere, without ON EXCEPTION.
identification division.
program-id. CALLMISS.
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
    write out-line from "before the call"
    call "NOWHERE"
    close out-file
    stop run.
