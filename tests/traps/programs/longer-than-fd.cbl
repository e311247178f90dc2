*> SPDX-License-Identifier: Apache-2.0
*> A record of variable length that says it is longer than its FD allows.
identification division.
program-id. LONGREC.
environment division.
input-output section.
file-control.
    select out-file assign to "OUT" organization sequential file status out-status.
data division.
file section.
fd  out-file record varying from 1 to 8 depending on n.
01  out-record pic x(8).
working-storage section.
01  n pic 9(4) value 20.
01  out-status pic xx.
procedure division.
    open output out-file
    write out-record from "12345678"
    move 3 to n
    write out-record from "abc"
    close out-file
    stop run.
