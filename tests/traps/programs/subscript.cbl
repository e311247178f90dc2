*> SPDX-License-Identifier: Apache-2.0
*> A subscript behind the table's end: with checks the program ends, without them it writes over its neighbour.
identification division.
program-id. SUBSCR.
environment division.
input-output section.
file-control.
    select out-file assign to "OUT" organization line sequential.
data division.
file section.
fd  out-file.
01  out-line pic x(20).
working-storage section.
01  n pic 99 value 5.
01  both.
    05  cell pic x occurs 4 times.
    05  total pic 9(5) value 12345.
procedure division.
    open output out-file
    move "9" to cell(n)
    write out-line from total
    close out-file
    stop run.
