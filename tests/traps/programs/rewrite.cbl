*> SPDX-License-Identifier: Apache-2.0
*> REWRITE in a sequential file opened I-O, every record; then an end with RETURN-CODE as the command line says.
identification division.
program-id. REWRITES.
environment division.
input-output section.
file-control.
    select master assign to "MASTER" organization sequential.
data division.
file section.
fd  master.
01  amount pic 9(4).
working-storage section.
01  told pic x(20).
procedure division.
    accept told from command-line
    open i-o master
    perform forever
        read master at end exit perform end-read
        add 1 to amount
        rewrite amount
    end-perform
    close master
    compute return-code = function numval(told)
    stop run.
