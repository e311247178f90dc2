*> SPDX-License-Identifier: Apache-2.0
*> OrderCategory decides the category of each order of one block, for
*> the enrichment that enrichments/orders.yaml describes. It is shown
*> the amount and the purchase frequency, and nothing else.
*>
*> The rules of the trade name three pairs of bands:
*>
*>     VIP       spend over 50 units     frequency 5 or more
*>     Standard  10 to 50                2 to 4
*>     New       below 10                1
*>
*> An order can be in two rows at once (42 units, frequency 5). Of two
*> categories the lower one holds, so that no discount is given that
*> one of the two rules denies, and RULE-CONFLICT is said. What no rule
*> names (frequency 0, spend or frequency missing) is New, the lowest,
*> and RULE-GAP is said. The table below has a cell for every pair.
*>
*> Edges: 10 and 50 belong to Standard; 0 and below are below 10.
identification division.
program-id. OrderCategory.
data division.
working-storage section.
77  r                        binary-long.
77  s                        binary-long.
77  f                        binary-long.
*> A row a spend band: missing, below 10, 10 to 50, over 50.
*> A column a frequency band: missing, 0, 1, 2 to 4, 5 or more.
*> First letter: V, S or N. Second: = agreed, C conflict, G gap.
01  decision-table.
    05  filler               pic x(10) value "NGNGNGNGNG".
    05  filler               pic x(10) value "NGNGN=NCNC".
    05  filler               pic x(10) value "NGNGNCS=SC".
    05  filler               pic x(10) value "NGNGNCSCV=".
01  filler redefines decision-table.
    05  filler               occurs 4.
        10  filler           occurs 5.
            15  cell-category pic x.
            15  cell-kind    pic x.
linkage section.
copy "enrich_orders.cpy".
procedure division using LM-BLOCK LM-COLUMNS LM-SAYS.
decide-block.
    move LM-LAYOUT to LAYOUT-SEEN
    perform varying r from FIRST-RECORD by 1 until r > LAST-RECORD
        perform find-bands
        evaluate cell-category(s, f)
            when "V" move "Y" to SAYS-VIP(r)
            when "S" move "Y" to SAYS-STANDARD(r)
            when "N" move "Y" to SAYS-NEW(r)
        end-evaluate
        evaluate cell-kind(s, f)
            when "C" move "Y" to SAYS-RULE-CONFLICT(r)
            when "G" move "Y" to SAYS-RULE-GAP(r)
        end-evaluate
    end-perform
    goback.
find-bands.
    evaluate true
        when AMOUNT-STATE(r) not = 1             move 1 to s
        when AMOUNT-MINOR(r) < 10                move 2 to s
        when AMOUNT-MINOR(r) <= 50               move 3 to s
        when other                               move 4 to s
    end-evaluate
    evaluate true
        when PURCHASEFREQUENCY-STATE(r) not = 1  move 1 to f
        when PURCHASEFREQUENCY-VALUE(r) < 1      move 2 to f
        when PURCHASEFREQUENCY-VALUE(r) = 1      move 3 to f
        when PURCHASEFREQUENCY-VALUE(r) <= 4     move 4 to f
        when other                               move 5 to f
    end-evaluate.
end program OrderCategory.
