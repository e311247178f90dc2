*> SPDX-License-Identifier: Apache-2.0
*> SORT with INPUT and OUTPUT PROCEDURE: RELEASE and RETURN, and files opened within.
identification division.
program-id. SORTPROC.
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
01  work-record pic x(10).
procedure division.
    sort work on descending key work-record input procedure feeding output procedure taking
    stop run.
feeding.
    open input in-file
    perform forever
        read in-file at end exit perform end-read
        release work-record from in-line
    end-perform
    close in-file.
taking.
    open output out-file
    perform forever
        return work at end exit perform end-return
        write out-line from work-record
    end-perform
    close out-file.
