*> SPDX-License-Identifier: Apache-2.0
*> SORT opens its files itself: no OPEN stands in the source.
identification division.
program-id. SORTUG.
environment division.
input-output section.
file-control.
    select in-file assign to "IN" organization line sequential.
    select out-file assign to "OUT" organization line sequential.
    select work assign to "SORTWK1".
data division.
file section.
fd  in-file.
01  in-line pic x(10).
fd  out-file.
01  out-line pic x(10).
sd  work.
01  work-record.
    05  work-key pic x(3).
    05  filler pic x(7).
procedure division.
    sort work on ascending key work-key with duplicates in order
        using in-file giving out-file
    stop run.
