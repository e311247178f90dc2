*> SPDX-License-Identifier: Apache-2.0
*> A RELATIVE file as output: records 1 to 3.
identification division.
program-id. RELMAKE.
environment division.
input-output section.
file-control.
    select slots assign to "SLOTS" organization relative access sequential.
data division.
file section.
fd  slots.
01  slot pic 9(6).
procedure division.
    open output slots
    perform varying slot from 10 by 10 until slot > 30
        write slot
    end-perform
    close slots
    stop run.
