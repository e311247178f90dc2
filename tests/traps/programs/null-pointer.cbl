*> SPDX-License-Identifier: Apache-2.0
*> A LINKAGE item that nobody set, written to: a signal, or with checks a message.
identification division.
program-id. NULLPTR.
environment division.
input-output section.
file-control.
    select out-file assign to "OUT" organization line sequential.
data division.
file section.
fd  out-file.
01  out-line pic x(20).
linkage section.
01  nowhere pic x(20).
procedure division.
    open output out-file
    write out-line from "half a report"
    move "x" to nowhere
    close out-file
    stop run.
