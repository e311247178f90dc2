*> SPDX-License-Identifier: Apache-2.0
*> WRITE without OPEN, FILE STATUS unchecked: status 48, return code 0, and no file.
identification division.
program-id. UNOPENED.
environment division.
input-output section.
file-control.
    select out-file assign to "OUT" organization line sequential file status out-status.
data division.
file section.
fd  out-file.
01  out-line pic x(20).
working-storage section.
01  out-status pic xx.
01  quiet-day pic x value "y".
procedure division.
    if quiet-day = "n" open output out-file end-if
    write out-line from "nobody sees this"
    stop run.
