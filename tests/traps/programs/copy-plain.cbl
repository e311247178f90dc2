*> SPDX-License-Identifier: Apache-2.0
*> Copies lines; no FILE STATUS, so the run time ends the program on any file error.
identification division.
program-id. PLAINCOPY.
environment division.
input-output section.
file-control.
    select in-file assign to "IN" organization line sequential.
    select out-file assign to "OUT" organization line sequential.
data division.
file section.
fd  in-file.
01  in-line pic x(10).
fd  out-file.
01  out-line pic x(10).
working-storage section.
01  at-end pic x value "n".
procedure division.
    open input in-file output out-file
    perform until at-end = "y"
        read in-file at end move "y" to at-end
            not at end write out-line from in-line
        end-read
    end-perform
    close in-file out-file
    stop run.
