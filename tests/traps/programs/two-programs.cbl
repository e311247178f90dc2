*> SPDX-License-Identifier: Apache-2.0
*> Two programs in one source: the first is the one that runs, the second is called, and both have files.
identification division.
program-id. FIRSTONE.
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
    write out-line from "first"
    close out-file
    call "SECONDONE"
    stop run.
end program FIRSTONE.
identification division.
program-id. SECONDONE.
environment division.
input-output section.
file-control.
    select out-file assign to "OUT2" organization line sequential.
data division.
file section.
fd  out-file.
01  out-line pic x(20).
procedure division.
    open output out-file
    write out-line from "second"
    close out-file
    goback.
end program SECONDONE.
