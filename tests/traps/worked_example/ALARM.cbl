      * SPDX-License-Identifier: Apache-2.0
      * The worked example of docs/coming-from-jcl.md: runs after an abend only.
       IDENTIFICATION DIVISION.
       PROGRAM-ID. ALARM.
       PROCEDURE DIVISION.
           DISPLAY 'THE NIGHT''S POSTING ENDED BADLY'
           STOP RUN.
