*> SPDX-License-Identifier: Apache-2.0
*> The same with ON EXCEPTION: the program goes on, so a missing program is nothing to refuse beforehand.
identification division.
program-id. CALLCAUGHT.
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
    call "NOWHERE" on exception
        write out-line from "without it"
    end-call
    close out-file
    stop run.
