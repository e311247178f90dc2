*> SPDX-License-Identifier: Apache-2.0
*> The last digit carries the sign. "1234}" is -12340 by EBCDIC's convention; by ASCII's it is no number.
identification division.
program-id. SIGNS.
environment division.
input-output section.
file-control.
    select in-file assign to "IN" organization line sequential.
    select out-file assign to "OUT" organization line sequential.
data division.
file section.
fd  in-file.
01  amount pic s9(5).
fd  out-file.
01  out-line pic x(10).
procedure division.
    open input in-file output out-file
    perform forever
        read in-file at end exit perform end-read
        evaluate true
            when amount is not numeric write out-line from "reject"
            when amount < 0 write out-line from "debit"
            when other write out-line from "credit"
        end-evaluate
    end-perform
    close in-file out-file
    stop run.
