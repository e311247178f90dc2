*> SPDX-License-Identifier: Apache-2.0
*> COMPUTE with a divisor of 0 and no ON SIZE ERROR: the target keeps what it had before. No check sees it.
identification division.
program-id. DIVZERO.
environment division.
input-output section.
file-control.
    select out-file assign to "OUT" organization line sequential.
data division.
file section.
fd  out-file.
01  out-line pic x(20).
working-storage section.
01  divisor pic 9(3) value 0.
01  mean pic 9(5) value 777.
procedure division.
    open output out-file
    compute mean = 100 / divisor
    write out-line from mean
    close out-file
    stop run.
