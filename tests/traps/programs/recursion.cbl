*> SPDX-License-Identifier: Apache-2.0
*> A program that calls itself for ever, until the stack is full.
identification division.
program-id. RECURSE recursive.
data division.
working-storage section.
01  depth binary-long value 0.
procedure division.
    add 1 to depth
    call "RECURSE"
    goback.
