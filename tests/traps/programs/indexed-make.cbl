*> SPDX-License-Identifier: Apache-2.0
*> An INDEXED file as output.
identification division.
program-id. IXMAKE.
environment division.
input-output section.
file-control.
    select accts assign to "ACCTS" organization indexed access sequential record key acct-id.
data division.
file section.
fd  accts.
01  acct.
    05  acct-id pic 9(4).
    05  balance pic 9(6).
procedure division.
    open output accts
    move "0001000100" to acct write acct
    move "0002000200" to acct write acct
    close accts
    stop run.
