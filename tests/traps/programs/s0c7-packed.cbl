*> SPDX-License-Identifier: Apache-2.0
*> A COMP-3 field that holds text: S0C7 on the mainframe.
identification division.
program-id. S0C7P.
environment division.
input-output section.
file-control.
    select out-file assign to "OUT" organization line sequential.
data division.
file section.
fd  out-file.
01  out-line pic x(20).
working-storage section.
01  raw pic x(3) value "ABC".
01  amount redefines raw pic s9(5) comp-3.
01  total pic 9(7) value 0.
procedure division.
    open output out-file
    add amount 0 giving total
    write out-line from total
    close out-file
    stop run.
