*> SPDX-License-Identifier: Apache-2.0
*> A file that the job knows nothing of: the run time makes it in the working folder, by the name in ASSIGN.
identification division.
program-id. UNBOUND.
environment division.
input-output section.
file-control.
    select out-file assign to "OUT" organization line sequential.
    select side-file assign to "AUDIT" organization line sequential.
data division.
file section.
fd  out-file.
01  out-line pic x(20).
fd  side-file.
01  side-line pic x(20).
procedure division.
    open output out-file side-file
    write out-line from "report"
    write side-line from "audit trail"
    close out-file side-file
    stop run.
