*> SPDX-License-Identifier: Apache-2.0
*> A record that matches no WHEN goes nowhere: no output, no reject, return code 0.
identification division.
program-id. DROPS.
environment division.
input-output section.
file-control.
    select in-file assign to "IN" organization line sequential.
    select out-file assign to "OUT" organization line sequential.
    select rej-file assign to "REJ" organization line sequential.
data division.
file section.
fd  in-file.
01  in-line pic x(10).
fd  out-file.
01  out-line pic x(10).
fd  rej-file.
01  rej-line pic x(10).
procedure division.
    open input in-file output out-file rej-file
    perform forever
        read in-file at end exit perform end-read
        evaluate in-line(1:1)
            when "C" write out-line from in-line
            when "X" write rej-line from in-line
        end-evaluate
    end-perform
    close in-file out-file rej-file
    stop run.
