*> SPDX-License-Identifier: Apache-2.0
*> Four ways of ASSIGN. What each is looked up as depends on the dialect.
identification division.
program-id. ASSIGNS.
environment division.
input-output section.
file-control.
    select f1 assign to "LITERAL" organization line sequential.
    select f2 assign to WORD organization line sequential.
    select f3 assign to UT-S-HYPHENS organization line sequential.
    select f4 assign to ws-name organization line sequential.
data division.
file section.
fd  f1.
01  l1 pic x(10).
fd  f2.
01  l2 pic x(10).
fd  f3.
01  l3 pic x(10).
fd  f4.
01  l4 pic x(10).
working-storage section.
01  ws-name pic x(8) value "BYITEM".
procedure division.
    open output f1 f2 f3 f4
    write l1 from "1" write l2 from "2" write l3 from "3" write l4 from "4"
    close f1 f2 f3 f4
    stop run.
