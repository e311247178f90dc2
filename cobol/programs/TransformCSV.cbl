*> SPDX-License-Identifier: Apache-2.0
*> TransformCSV writes each order as a line for people:
*>
*>   1000,John Smith          ,123 Main St         ,Widget    ,042,05
*>   Order: 1000 | John Smith           | 123 Main St          | Widget     | 042 | Frequency: 05
*>
*>   DD ORDERS       in   the feed 'orders' (feeds/orders.yaml)
*>   DD TRANSFORMED  out  the feed 'transformed_orders'
*>   DD REJECTS      out  orders that break the layout: record number,
*>                        every reason, and the line as it came
*>
*> Return code: 0; 4 when an order was rejected; 12 when a file could
*> not be opened, read, written or closed. Every line of ORDERS is a
*> line of TRANSFORMED or of REJECTS.
*>
*> An order is accepted here exactly when the feed definition accepts
*> it: who changes one of the two changes the other.
identification division.
program-id. TransformCSV.
environment division.
configuration section.
special-names.
    class order-id-text    is "0" thru "9", "A" thru "Z"
    class seven-bit        is x"00" thru x"7F"
    class without-controls is x"20" thru x"7E", x"80" thru x"FF".
input-output section.
file-control.
    select orders assign to "ORDERS"
        organization is line sequential file status is orders-status.
    select transformed assign to "TRANSFORMED"
        organization is line sequential file status is transformed-status.
    select rejects assign to "REJECTS"
        organization is line sequential file status is rejects-status.
data division.
file section.
*> Longer than an order, so that a line that is too long is seen here:
*> GnuCOBOL 3.1 cuts what does not fit the record, with status 00.
fd  orders
    record is varying in size from 1 to 256 characters
    depending on line-bytes.
01  order-line               pic x(256).
fd  transformed.
01  transformed-line         pic x(92).
fd  rejects.
01  rejected-line            pic x(471).
working-storage section.
01  file-statuses.
    05  orders-status        pic xx value "00".
    05  transformed-status   pic xx value "00".
    05  rejects-status       pic xx value "00".
77  line-bytes               pic 9(9) comp-5 value 0.
77  layout-bytes             pic 9(9) comp-5 value 64.
77  at-end                   pic x value "N".
    88  no-more-orders       value "Y".
77  run-state                pic x value "G".
    88  file-trouble         value "T".
*> GnuCOBOL 3.2 hands a line over 256 bytes in several pieces, each but
*> the last with status 06: only the first one is an order.
77  line-goes-on             pic x value "N".
77  piece-goes-on            pic x value "N".
01  counts.
    05  orders-read          pic 9(9) comp-5 value 0.
    05  orders-transformed   pic 9(9) comp-5 value 0.
    05  orders-rejected      pic 9(9) comp-5 value 0.
77  shown-count              pic z(8)9.
*> An order as it is laid out in the file.
01  one-order.
    05  order-id             pic x(4).
    05  comma-1              pic x.
    05  customer-name        pic x(20).
    05  comma-2              pic x.
    05  customer-address     pic x(20).
    05  comma-3              pic x.
    05  item                 pic x(10).
    05  comma-4              pic x.
    05  amount               pic 9(3).
    05  amount-text          redefines amount pic x(3).
    05  comma-5              pic x.
    05  frequency            pic 9(2).
    05  frequency-text       redefines frequency pic x(2).
*> The order as a line for people.
01  order-for-people.
    05  filler               pic x(7)  value "Order: ".
    05  out-id               pic x(4).
    05  filler               pic x(3)  value " | ".
    05  out-name             pic x(20).
    05  filler               pic x(3)  value " | ".
    05  out-address          pic x(20).
    05  filler               pic x(3)  value " | ".
    05  out-item             pic x(10).
    05  filler               pic x(3)  value " | ".
    05  out-amount           pic 9(3).
    05  filler               pic x(14) value " | Frequency: ".
    05  out-frequency        pic 9(2).
*> A reject: its number among the lines of ORDERS, reasons, the line.
01  reject-for-people.
    05  out-number           pic 9(9).
    05  filler               pic x(3)   value " | ".
    05  out-reasons          pic x(200).
    05  filler               pic x(3)   value " | ".
    05  out-line             pic x(256).
77  without-mark             pic x(253).
77  one-reason               pic x(40).
77  reason-end               pic 9(4) comp-5.
77  next-reason              pic 9(4) comp-5.
77  shown-bytes              pic 9(3).
*> For looking at the bytes of a line, one by one.
77  b                        pic 9(4) comp-5.
77  one-byte                 pic x.
77  tail-bytes               pic 9(4) comp-5.
77  lowest-tail              pic x.
77  highest-tail             pic x.
77  utf-8-state              pic x.
    88  is-utf-8             value "Y".
    88  is-not-utf-8         value "N".
procedure division.
main-line.
    perform open-files
    if not file-trouble
        perform read-order
        perform until no-more-orders or file-trouble
            perform take-order
            if not file-trouble
                perform read-order
            end-if
        end-perform
    end-if
    perform close-files
    perform show-totals
    goback.

open-files.
    open input orders
    if orders-status not = "00"
        display "TransformCSV: ORDERS cannot be opened, status " orders-status
        set file-trouble to true
    end-if
    if not file-trouble
        open output transformed
        if transformed-status not = "00"
            display "TransformCSV: TRANSFORMED cannot be opened, status " transformed-status
            set file-trouble to true
        end-if
    end-if
    if not file-trouble
        open output rejects
        if rejects-status not = "00"
            display "TransformCSV: REJECTS cannot be opened, status " rejects-status
            set file-trouble to true
        end-if
    end-if.

*> The next line, past the further pieces of one that was handed over
*> in several.
read-order.
    perform read-piece
    perform until line-goes-on = "N" or no-more-orders or file-trouble
        move piece-goes-on to line-goes-on
        perform read-piece
    end-perform
    move piece-goes-on to line-goes-on
    if not no-more-orders and not file-trouble
        add 1 to orders-read
        perform drop-what-is-no-order
    end-if.

*> Status 04: longer than the record, and cut. 06: the same, and the
*> rest follows. 09: a control character is in it. All three are
*> rejected for what they hold, like any other line.
read-piece.
    move spaces to order-line
    move 0 to line-bytes
    read orders
    move "N" to piece-goes-on
    evaluate orders-status
        when "00"
        when "04"
        when "09"
            continue
        when "06"
            move "Y" to piece-goes-on
        when "10"
            set no-more-orders to true
        when other
            display "TransformCSV: ORDERS cannot be read, status " orders-status
            set file-trouble to true
    end-evaluate.

*> A byte-order mark before the first order, and the CR of a line that
*> ends with CR LF (GnuCOBOL 3.1 has taken it away already).
drop-what-is-no-order.
    if orders-read = 1 and line-bytes > 2 and order-line(1:3) = x"EFBBBF"
        subtract 3 from line-bytes
        move order-line(4:253) to without-mark
        move without-mark to order-line
    end-if
    if line-bytes > 0 and line-bytes < 257
        if order-line(line-bytes:1) = x"0D"
            move space to order-line(line-bytes:1)
            subtract 1 from line-bytes
        end-if
    end-if.

take-order.
    move spaces to out-reasons
    move 1 to next-reason
    perform judge-order
    if next-reason = 1
        perform write-order
    else
        perform write-reject
    end-if.

judge-order.
    move order-line to one-order
    if line-bytes = layout-bytes
        perform judge-places
    else
        move line-bytes to shown-bytes
        string shown-bytes " bytes and not 064" delimited by size into one-reason
        if line-bytes = 0
            move "the line is blank" to one-reason
        end-if
        perform add-reason
    end-if
    perform judge-bytes.

judge-places.
    if comma-1 not = "," or comma-2 not = "," or comma-3 not = "," or comma-4 not = "," or comma-5 not = ","
        move "a comma is not at its place" to one-reason
        perform add-reason
    end-if
    if order-id is not order-id-text
        move "OrderID is not of 0-9 and A-Z" to one-reason
        perform add-reason
    end-if
    if customer-name = spaces
        move "CustomerName is blank" to one-reason
        perform add-reason
    end-if
    if customer-address = spaces
        move "Address is blank" to one-reason
        perform add-reason
    end-if
    if item = spaces
        move "Item is blank" to one-reason
        perform add-reason
    end-if
    if amount-text is not numeric
        move "Amount is not of digits" to one-reason
        perform add-reason
    end-if
    if frequency-text is not numeric
        move "PurchaseFrequency is not of digits" to one-reason
        perform add-reason
    end-if.

judge-bytes.
    if line-bytes > 0
        if order-line is not without-controls
            move "control characters" to one-reason
            perform add-reason
        end-if
        if order-line is not seven-bit
            perform look-for-utf-8
            if is-not-utf-8
                move "bytes that are not UTF-8" to one-reason
                perform add-reason
            end-if
        end-if
    end-if.

*> RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF.
look-for-utf-8.
    set is-utf-8 to true
    move 1 to b
    perform until b > line-bytes or is-not-utf-8
        move order-line(b:1) to one-byte
        move x"80" to lowest-tail
        move x"BF" to highest-tail
        evaluate true
            when one-byte < x"80"
                move 0 to tail-bytes
            when one-byte >= x"C2" and one-byte <= x"DF"
                move 1 to tail-bytes
            when one-byte >= x"E0" and one-byte <= x"EF"
                move 2 to tail-bytes
                if one-byte = x"E0"
                    move x"A0" to lowest-tail
                end-if
                if one-byte = x"ED"
                    move x"9F" to highest-tail
                end-if
            when one-byte >= x"F0" and one-byte <= x"F4"
                move 3 to tail-bytes
                if one-byte = x"F0"
                    move x"90" to lowest-tail
                end-if
                if one-byte = x"F4"
                    move x"8F" to highest-tail
                end-if
            when other
                move 0 to tail-bytes
                set is-not-utf-8 to true
        end-evaluate
        perform look-at-tail tail-bytes times
        add 1 to b
    end-perform.

look-at-tail.
    add 1 to b
    if b > line-bytes
        set is-not-utf-8 to true
    else
        if order-line(b:1) < lowest-tail or order-line(b:1) > highest-tail
            set is-not-utf-8 to true
        end-if
    end-if
    move x"80" to lowest-tail
    move x"BF" to highest-tail.

*> Reasons stand one behind the other; of those that do not fit 200
*> characters the last is cut.
add-reason.
    if next-reason > 1
        string "; " delimited by size into out-reasons with pointer next-reason
            on overflow continue
        end-string
    end-if
    move 40 to reason-end
    perform until reason-end = 1 or one-reason(reason-end:1) not = space
        subtract 1 from reason-end
    end-perform
    string one-reason(1:reason-end) delimited by size into out-reasons with pointer next-reason
        on overflow continue
    end-string
    move spaces to one-reason.

write-order.
    move order-id to out-id
    move customer-name to out-name
    move customer-address to out-address
    move item to out-item
    move amount to out-amount
    move frequency to out-frequency
    write transformed-line from order-for-people
    if transformed-status = "00"
        add 1 to orders-transformed
    else
        display "TransformCSV: TRANSFORMED cannot be written, status " transformed-status
        set file-trouble to true
    end-if.

*> A control character shows as ?: GnuCOBOL 3.2 does not write it, and a
*> terminal would obey it.
write-reject.
    move orders-read to out-number
    move order-line to out-line
    if out-line is not without-controls
        perform varying b from 1 by 1 until b > 256
            if out-line(b:1) is not without-controls
                move "?" to out-line(b:1)
            end-if
        end-perform
    end-if
    write rejected-line from reject-for-people
    if rejects-status = "00"
        add 1 to orders-rejected
    else
        display "TransformCSV: REJECTS cannot be written, status " rejects-status
        set file-trouble to true
    end-if.

*> A file that was not opened has status 42 here, which says nothing new.
close-files.
    close orders
    if orders-status not = "00" and not file-trouble
        display "TransformCSV: ORDERS cannot be closed, status " orders-status
        set file-trouble to true
    end-if
    close transformed
    if transformed-status not = "00" and not file-trouble
        display "TransformCSV: TRANSFORMED cannot be closed, status " transformed-status
        set file-trouble to true
    end-if
    close rejects
    if rejects-status not = "00" and not file-trouble
        display "TransformCSV: REJECTS cannot be closed, status " rejects-status
        set file-trouble to true
    end-if.

show-totals.
    move orders-read to shown-count
    display "orders read        " shown-count
    move orders-transformed to shown-count
    display "orders transformed " shown-count
    move orders-rejected to shown-count
    display "orders rejected    " shown-count
    evaluate true
        when file-trouble
            move 12 to return-code
        when orders-read not = orders-transformed + orders-rejected
            display "TransformCSV: orders are missing"
            move 12 to return-code
        when orders-rejected > 0
            move 4 to return-code
        when other
            move 0 to return-code
    end-evaluate.
