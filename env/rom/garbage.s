; What two matches by one capsule send to the other player, and its arrival.
.include "ram.inc"
.include "routines.inc"

MIN_ATTACK = 2
MAX_PIECES = 4

column = t0
step = t1
pieces = t2

.segment "CODE"

; At the end of a resolution: two matches or more wait for the other's next capsule to settle.
.proc queue_attack
  jsr two_play
  bcc @done
  lda P + O_MATCHES
  cmp #MIN_ATTACK
  bcc @done
  clc
  adc P + O_ATTACK
  sta P + O_ATTACK
@done:
  rts
.endproc

; Action state 2.  Garbage falls into the top row and is resolved like a capsule; it may attack back.
.proc attacks
  jsr two_play
  bcc @none
  ldx #P2 - P1                  ; the other block
  lda player
  cmp #5
  bne :+
  ldx #0
: lda P1 + O_ATTACK, x
  beq @none
  jsr release
  lda #0
  sta P + O_STEP
  sta P + O_REDRAW              ; the top row alone
  lda #ACT_RESOLVING
  sta P + O_ACTION
  rts
@none:
  lda #ACT_PASS
  sta P + O_ACTION
  rts
.endproc

; A = size, X = offset of the sender's block.  The frame counter picks the first column.
.proc release
  cmp #MAX_PIECES
  bcc :+
  lda #MAX_PIECES
: tay
  sty pieces
  lda #0
  sta P1 + O_ATTACK, x
  lda frame_counter
  and first_column, y
  sta column
  lda column_step, y
  sta step
@piece:
  lda P1 + O_MATCH_COLOURS, x
  ora #CELL_SINGLE
  ldy column
  sta (field), y
  tya
  clc
  adc step
  sta column
  inx
  dec pieces
  bne @piece
  rts
.endproc

.segment "DATA"
; by number of pieces; an attack has two at least
first_column:
  .byte 0, 0, 3, 3, 1
column_step:
  .byte 0, 0, 4, 2, 2
