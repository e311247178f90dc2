      * SPDX-License-Identifier: Apache-2.0
      * The worked example of docs/coming-from-jcl.md: a line for each transaction posted, and the sum.
       IDENTIFICATION DIVISION.
       PROGRAM-ID. TRANREPT.
       ENVIRONMENT DIVISION.
       INPUT-OUTPUT SECTION.
       FILE-CONTROL.
           SELECT TRANSACT-FILE ASSIGN TO TRANFILE.
           SELECT REPORT-FILE ASSIGN TO REPTOUT
               ORGANIZATION LINE SEQUENTIAL.
       DATA DIVISION.
       FILE SECTION.
       FD  TRANSACT-FILE.
           COPY TRANREC REPLACING ==:P:== BY ==TRAN==.
       FD  REPORT-FILE.
       01  REPORT-LINE.
           05  REPORT-CARD         PIC X(17).
           05  REPORT-AMOUNT       PIC -(9)9.99.
       WORKING-STORAGE SECTION.
       01  TOTAL-AMOUNT            PIC S9(11)V99 VALUE 0.
       01  END-OF-FILE             PIC X VALUE 'N'.
       PROCEDURE DIVISION.
           OPEN INPUT TRANSACT-FILE OUTPUT REPORT-FILE
           PERFORM UNTIL END-OF-FILE = 'Y'
               READ TRANSACT-FILE AT END MOVE 'Y' TO END-OF-FILE
                   NOT AT END
                       MOVE TRAN-CARD TO REPORT-CARD
                       MOVE TRAN-AMOUNT TO REPORT-AMOUNT
                       ADD TRAN-AMOUNT TO TOTAL-AMOUNT
                       WRITE REPORT-LINE
               END-READ
           END-PERFORM
           MOVE 'TOTAL' TO REPORT-CARD
           MOVE TOTAL-AMOUNT TO REPORT-AMOUNT
           WRITE REPORT-LINE
           CLOSE TRANSACT-FILE REPORT-FILE
           STOP RUN.
