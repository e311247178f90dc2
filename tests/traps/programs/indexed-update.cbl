*> SPDX-License-Identifier: Apache-2.0
*> An INDEXED file updated in place (disp: old), then an end with RETURN-CODE as the command line says.
identification division.
program-id. IXUPDATE.
environment division.
input-output section.
file-control.
    select accts assign to "ACCTS" organization indexed access random record key acct-id.
    select out-file assign to "OUT" organization line sequential.
data division.
file section.
fd  accts.
01  acct.
    05  acct-id pic 9(4).
    05  balance pic 9(6).
fd  out-file.
01  out-line pic x(10).
working-storage section.
01  told pic x(20).
procedure division.
    accept told from command-line
    open i-o accts output out-file
    move 2 to acct-id
    read accts
    write out-line from acct
    add 5 to balance
    rewrite acct
    close accts out-file
    compute return-code = function numval(told)
    stop run.
