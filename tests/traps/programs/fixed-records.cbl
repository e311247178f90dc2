*> SPDX-License-Identifier: Apache-2.0
*> Fixed records of 8 bytes, read from a file whose size is no multiple of 8.
identification division.
program-id. FIXEDREC.
environment division.
input-output section.
file-control.
    select in-file assign to "IN" organization sequential.
    select out-file assign to "OUT" organization line sequential.
data division.
file section.
fd  in-file.
01  in-record pic x(8).
fd  out-file.
01  out-line pic x(10).
procedure division.
    open input in-file output out-file
    perform forever
        read in-file at end exit perform end-read
        write out-line from in-record
    end-perform
    close in-file out-file
    stop run.
