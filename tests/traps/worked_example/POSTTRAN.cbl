      * SPDX-License-Identifier: Apache-2.0
      * The worked example of docs/coming-from-jcl.md: posts the day's transactions; rejects get a trailer of 80 bytes.
       IDENTIFICATION DIVISION.
       PROGRAM-ID. POSTTRAN.
       ENVIRONMENT DIVISION.
       INPUT-OUTPUT SECTION.
       FILE-CONTROL.
           SELECT DALYTRAN-FILE ASSIGN TO DALYTRAN.
           SELECT ACCOUNT-FILE ASSIGN TO ACCTFILE ORGANIZATION INDEXED
               ACCESS RANDOM RECORD KEY ACCT-CARD.
           SELECT TRANSACT-FILE ASSIGN TO TRANFILE.
           SELECT DALYREJS-FILE ASSIGN TO UT-S-DALYREJS.
       DATA DIVISION.
       FILE SECTION.
       FD  DALYTRAN-FILE.
           COPY TRANREC REPLACING ==:P:== BY ==DALY==.
       FD  ACCOUNT-FILE.
           COPY ACCTREC.
       FD  TRANSACT-FILE.
       01  POSTED-RECORD           PIC X(350).
       FD  DALYREJS-FILE.
       01  REJECT-RECORD.
           05  REJECT-DATA         PIC X(350).
           05  REJECT-REASON       PIC 9(4).
           05  REJECT-TEXT         PIC X(76).
       WORKING-STORAGE SECTION.
       01  PROCESSED               PIC 9(9) VALUE 0.
       01  REJECTED                PIC 9(9) VALUE 0.
       01  END-OF-FILE             PIC X VALUE 'N'.
       LINKAGE SECTION.
       01  RUN-PARM.
           05  PARM-LENGTH         PIC S9(4) COMP.
           05  PARM-DATE           PIC X(10).
       PROCEDURE DIVISION USING RUN-PARM.
           DISPLAY 'POSTING FOR ' PARM-DATE
           OPEN INPUT DALYTRAN-FILE I-O ACCOUNT-FILE
               OUTPUT TRANSACT-FILE DALYREJS-FILE
           PERFORM UNTIL END-OF-FILE = 'Y'
               READ DALYTRAN-FILE AT END MOVE 'Y' TO END-OF-FILE
                   NOT AT END PERFORM POST-ONE
               END-READ
           END-PERFORM
           CLOSE DALYTRAN-FILE ACCOUNT-FILE TRANSACT-FILE
               DALYREJS-FILE
           DISPLAY 'TRANSACTIONS PROCESSED :' PROCESSED
           DISPLAY 'TRANSACTIONS REJECTED  :' REJECTED
           IF REJECTED > 0 MOVE 4 TO RETURN-CODE END-IF
           GOBACK.
       POST-ONE.
           ADD 1 TO PROCESSED
           MOVE DALY-CARD TO ACCT-CARD
           READ ACCOUNT-FILE
               INVALID KEY
                   MOVE DALY-RECORD TO REJECT-DATA
                   MOVE 100 TO REJECT-REASON
                   MOVE 'INVALID CARD NUMBER FOUND' TO REJECT-TEXT
                   WRITE REJECT-RECORD
                   ADD 1 TO REJECTED
               NOT INVALID KEY
                   ADD DALY-AMOUNT TO ACCT-BALANCE
                   REWRITE ACCT-RECORD
                   WRITE POSTED-RECORD FROM DALY-RECORD
           END-READ.
