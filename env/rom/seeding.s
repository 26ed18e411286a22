; The generator and what it makes: the capsule queue and the viruses.
.include "ram.inc"
.include "routines.inc"

near_colours = t4               ; one bit per colour seen two cells away

.segment "CODE"

; carry = bit 1 of a xor bit 1 of b; then a and b rotate right as one.  Period 32,767.
.proc rng_step
  lda rng_a
  and #2
  sta t0
  lda rng_b
  and #2
  eor t0
  clc
  beq :+
  sec
: ror rng_a
  ror rng_b
  rts
.endproc

; Slots 127 to 0: id = (previous id + (a & 15)) mod 9, from 0.
.proc fill_queue
  lda #0
  sta t1
  ldx #127
@slot:
  jsr rng_step
  lda rng_a
  and #15
  clc
  adc t1
: cmp #9
  bcc :+
  sbc #9
  bcs :-
: sta t1
  sta queue, x
  dex
  bpl @slot
  rts
.endproc

; The next id of the queue becomes the next capsule.
.proc load_next
  ldx P + O_QUEUE
  ldy queue, x
  lda colour1_of, y
  sta P + O_NEXT1
  lda colour2_of, y
  sta P + O_NEXT2
  inx
  txa
  and #127
  sta P + O_QUEUE
  rts
.endproc

; One attempt to place a virus.  It may fail: then the next frame tries again.
.proc place_virus
  ldx P + O_LEVEL
  lda virus_top, x
  sta t1
@draw:
  jsr rng_step
  lda rng_a
  and #15
  cmp t1
  beq @height
  bcs @draw                     ; too high
@height:
  tax
  lda rng_b
  and #7
  ora row_of_height, x
  sta t2                        ; the cell
  lda P + O_TO_PLACE
  and #3
  cmp #3
  bne @colour
  jsr rng_step                  ; every fourth takes any colour
  lda rng_b
  and #15
  tax
  lda virus_colours, x
@colour:
  sta t3
  ldy t2
@scan:
  lda (field), y
  cmp #CELL_EMPTY
  bne @next
  jsr look_around
  lda near_colours
  cmp #7
  bne @found
@next:
  iny
  bpl @scan                     ; 128 cells
  rts
@found:
  ldx t3
@match:
  lda colour_bit, x
  and near_colours
  beq @place
  dex
  bpl @match
  ldx #2
  bne @match
@place:
  txa
  ora #CELL_VIRUS
  sta (field), y
  inc virus_tally, x
  dec P + O_TO_PLACE
  tya
  lsr a
  lsr a
  lsr a
  sta P + O_REDRAW              ; show its row
  lda P + O_VIRUSES
  jsr bcd_up
  sta P + O_VIRUSES
  rts
.endproc

; Colours of the four cells exactly two away from cell Y.  Keeps Y.
.proc look_around
  lda #0
  sta near_colours
  sty t5
  tya
  sec
  sbc #16
  bcc :+
  jsr look
: lda t5
  clc
  adc #16
  jsr look                      ; below the field lies $FF
  lda t5
  and #7
  cmp #2
  bcc :+
  lda t5
  sbc #2
  jsr look
: lda t5
  and #7
  cmp #6
  bcs :+
  lda t5
  adc #2
  jsr look
: ldy t5
  rts
.endproc

.proc look
  tay
  lda (field), y
  cmp #CELL_EMPTIED
  bcs @done
  and #3
  tax
  lda colour_bit, x
  ora near_colours
  sta near_colours
@done:
  rts
.endproc
