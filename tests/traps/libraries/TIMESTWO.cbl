*> SPDX-License-Identifier: Apache-2.0
*> A sub-program: doubles what it is given.
identification division.
program-id. TIMESTWO.
data division.
linkage section.
01  n binary-long.
procedure division using n.
    multiply 2 by n
    goback.
