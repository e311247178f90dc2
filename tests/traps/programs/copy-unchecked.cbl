*> SPDX-License-Identifier: Apache-2.0
*> FILE STATUS is there, so the run time says nothing; nobody looks at it, so the program says nothing either.
identification division.
program-id. UNCHECKED.
environment division.
input-output section.
file-control.
    select in-file assign to "IN" organization line sequential file status in-status.
    select out-file assign to "OUT" organization line sequential file status out-status.
data division.
file section.
fd  in-file.
01  in-line pic x(10).
fd  out-file.
01  out-line pic x(10).
working-storage section.
01  in-status pic xx.
01  out-status pic xx.
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
