*> SPDX-License-Identifier: Apache-2.0
*> PARM as JCL gives it: a halfword with the length, then the text. An item of 10 bytes sees the first 10 of a longer one.
identification division.
program-id. PARMS.
environment division.
input-output section.
file-control.
    select out-file assign to "OUT" organization line sequential.
data division.
file section.
fd  out-file.
01  out-line pic x(20).
working-storage section.
01  shown pic 9(5).
linkage section.
01  run-parm.
    05  parm-length pic s9(4) comp.
    05  parm-text pic x(10).
procedure division using run-parm.
    open output out-file
    move parm-length to shown
    write out-line from shown
    if parm-length > 0 write out-line from parm-text end-if
    close out-file
    goback.
