; Where the falling capsule's two cells are: whether they are free, and writing them.
.include "ram.inc"
.include "routines.inc"

.segment "CODE"

; Carry clear: the capsule's two cells are free ($FF exactly) where it is now.
.proc fits
  lda P + O_X
  cmp #8
  bcs @no                       ; also column -1
  ldx P + O_Y
  cpx #16
  bcs @no                       ; below the floor
  ora row_of_height, x
  tay
  lda (field), y
  cmp #CELL_EMPTY
  bne @no
  lda P + O_ROT
  lsr a
  bcs @upper
  lda P + O_X
  cmp #7
  bcs @no
  iny
  bne @second                   ; always
@upper:
  cpx #15
  bcs @yes                      ; pokes out of the top
  tya
  sbc #7                        ; carry is clear: 8
  tay
@second:
  lda (field), y
  cmp #CELL_EMPTY
  bne @no
@yes:
  clc
  rts
@no:
  sec
  rts
.endproc

; Writes the capsule into the field; an upper half above the field vanishes.
.proc stamp
  ldx P + O_Y
  lda row_of_height, x
  ora P + O_X
  tay
  lda P + O_COLOUR1
  sta t0
  lda P + O_COLOUR2
  sta t1
  lda P + O_ROT
  cmp #2
  bcc :+
  ldx t0                        ; rotations 2 and 3: the second colour comes first
  lda t1
  sta t0
  stx t1
: lda P + O_ROT
  lsr a
  bcs @standing
  lda t0
  ora #CELL_LEFT
  sta (field), y
  iny
  lda t1
  ora #CELL_RIGHT
  sta (field), y
  rts
@standing:
  lda t0
  ora #CELL_BOTTOM
  sta (field), y
  tya
  sec
  sbc #8
  bcc @done
  tay
  lda t1
  ora #CELL_TOP
  sta (field), y
@done:
  rts
.endproc
