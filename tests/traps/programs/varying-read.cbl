*> SPDX-License-Identifier: Apache-2.0
*> The same records read back, as lines.
identification division.
program-id. VARREAD.
environment division.
input-output section.
file-control.
    select in-file assign to "IN" organization sequential.
    select out-file assign to "OUT" organization line sequential.
data division.
file section.
fd  in-file record varying from 1 to 8 depending on n.
01  in-record pic x(8).
fd  out-file.
01  out-line pic x(10).
working-storage section.
01  n pic 9(4).
procedure division.
    open input in-file output out-file
    perform forever
        read in-file at end exit perform end-read
        write out-line from in-record(1:n)
    end-perform
    close in-file out-file
    stop run.
