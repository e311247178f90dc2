*> SPDX-License-Identifier: Apache-2.0
*> A program without parameters reads its words from the command line.
identification division.
program-id. CMDLINE.
data division.
working-storage section.
01  told pic x(20).
procedure division.
    accept told from command-line
    if told not = "RUN=2024-10-31" display "[" told "]" stop run 9 end-if
    stop run 2.
