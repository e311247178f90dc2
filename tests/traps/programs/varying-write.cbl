*> SPDX-License-Identifier: Apache-2.0
*> Records of variable length: GnuCOBOL puts 4 bytes before each, of which 2 are the length without these 4.
identification division.
program-id. VARWRITE.
environment division.
input-output section.
file-control.
    select out-file assign to "OUT" organization sequential.
data division.
file section.
fd  out-file record varying from 1 to 8 depending on n.
01  out-record pic x(8).
working-storage section.
01  n pic 9(4) value 3.
procedure division.
    open output out-file
    write out-record from "abc"
    move 5 to n
    write out-record from "defgh"
    close out-file
    stop run.
