*> SPDX-License-Identifier: Apache-2.0
*> A name that is not defined: the error names file and line and shows the line.
identification division.
program-id. BROKEN.
procedure division.
    move 1 to no-such-item
    stop run.
