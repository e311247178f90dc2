*> SPDX-License-Identifier: Apache-2.0
*> 70000 moved to a COMP field of four digits: its PICTURE cuts it to 0, or the halfword does, to 4464.
identification division.
program-id. BINTRUNC.
environment division.
input-output section.
file-control.
    select out-file assign to "OUT" organization line sequential.
data division.
file section.
fd  out-file.
01  out-line pic x(20).
working-storage section.
01  big pic 9(8) value 70000.
01  small pic 9(4) comp.
01  shown pic 9(8).
procedure division.
    open output out-file
    move big to small
    move small to shown
    write out-line from shown
    close out-file
    stop run.
