*> SPDX-License-Identifier: Apache-2.0
*> PostingDirection decides the direction of each posting of one block,
*> for the enrichment that enrichments/transactions.yaml describes. It
*> is shown the amount, in hundredths, and nothing else.
*>
*>     above 0   Inflow       below 0   Outflow      0, missing   Neutral
*>
*> LARGE is said of 10,000.00 and more, in either direction.
identification division.
program-id. PostingDirection.
data division.
working-storage section.
77  r                        binary-long.
77  large-amount             binary-double value 1000000.
linkage section.
copy "enrich_transactions.cpy".
procedure division using LM-BLOCK LM-COLUMNS LM-SAYS.
decide-block.
    move LM-LAYOUT to LAYOUT-SEEN
    perform varying r from FIRST-RECORD by 1 until r > LAST-RECORD
        evaluate true
            when AMOUNT-STATE(r) not = 1     move "Y" to SAYS-NEUTRAL(r)
            when AMOUNT-MINOR(r) > 0         move "Y" to SAYS-INFLOW(r)
            when AMOUNT-MINOR(r) < 0         move "Y" to SAYS-OUTFLOW(r)
            when other                       move "Y" to SAYS-NEUTRAL(r)
        end-evaluate
        if AMOUNT-STATE(r) = 1 and (AMOUNT-MINOR(r) >= large-amount or AMOUNT-MINOR(r) <= - large-amount)
            move "Y" to SAYS-LARGE(r)
        end-if
    end-perform
    goback.
end program PostingDirection.
