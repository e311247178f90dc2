*> SPDX-License-Identifier: Apache-2.0
*> A length in (start:length) that goes beyond the item.
identification division.
program-id. REFMOD.
environment division.
input-output section.
file-control.
    select out-file assign to "OUT" organization line sequential.
data division.
file section.
fd  out-file.
01  out-line pic x(20).
working-storage section.
01  both.
    05  account pic x(4) value "1234".
    05  pin pic x(4) value "SECR".
01  n pic 99 value 8.
procedure division.
    open output out-file
    write out-line from account(1:n)
    close out-file
    stop run.
