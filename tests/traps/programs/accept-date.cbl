*> SPDX-License-Identifier: Apache-2.0
*> The current date: a run for last month must not see today's.
identification division.
program-id. RUNDATE.
environment division.
input-output section.
file-control.
    select out-file assign to "OUT" organization line sequential.
data division.
file section.
fd  out-file.
01  out-line pic x(20).
working-storage section.
01  today pic x(8).
procedure division.
    open output out-file
    accept today from date yyyymmdd
    write out-line from today
    move function current-date(1:8) to today
    write out-line from today
    close out-file
    stop run.
