*> SPDX-License-Identifier: Apache-2.0
*> 20 MB of DISPLAY lines: nothing may fill up, block or be lost.
identification division.
program-id. FLOOD.
data division.
working-storage section.
01  n binary-long.
01  shown pic 9(6).
01  filler-text pic x(93) value all "x".
procedure division.
    perform varying n from 1 by 1 until n > 200000
        move n to shown
        display shown filler-text
    end-perform
    stop run.
