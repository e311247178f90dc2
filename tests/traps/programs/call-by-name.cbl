*> SPDX-License-Identifier: Apache-2.0
*> CALL of a sub-program, once by literal and once by the name in a data item. Its source lies in a library folder.
identification division.
program-id. CALLER.
environment division.
input-output section.
file-control.
    select out-file assign to "OUT" organization line sequential.
data division.
file section.
fd  out-file.
01  out-line pic x(20).
working-storage section.
01  sub-name pic x(8) value "TIMESTWO".
01  n binary-long value 5.
01  shown pic 9(5).
procedure division.
    call "TIMESTWO" using n
    call sub-name using n
    open output out-file
    move n to shown
    write out-line from shown
    close out-file
    stop run.
