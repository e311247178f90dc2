*> SPDX-License-Identifier: Apache-2.0
*> A copybook whose prefix is replaced: its fields, and with them the record's length, come from elsewhere.
identification division.
program-id. COPYREPL.
environment division.
input-output section.
file-control.
    select out-file assign to "OUT" organization line sequential.
data division.
file section.
fd  out-file.
01  out-line.
    copy "amount.cpy" replacing ==:P:== by ==out==.
procedure division.
    open output out-file
    move "A1" to out-id
    move 42 to out-amount
    write out-line
    close out-file
    stop run.
