; Decimal counters and the score.
.include "ram.inc"
.include "routines.inc"

TOP_MULTIPLIER = 5              ; 1, 2, 4, 8, 16, 32, 32 ...

.segment "CODE"

; A + 1 and A - 1 as two decimal digits.
.proc bcd_up
  clc
  adc #1
  pha
  and #15
  cmp #10
  pla
  bcc @done
  adc #5                        ; carry is set: 6
  cmp #$A0
  bcc @done
  lda #0
@done:
  rts
.endproc

.proc bcd_down
  tax
  and #15
  beq @borrow
  dex
  txa
  rts
@borrow:
  txa
  sec
  sbc #7
  rts
.endproc

; One virus: (speed + 1) * 100 times a multiplier by kills in this resolution.
; The lowest digit stays 0; hundreds are the second.
.proc add_score
  lda P + O_KILLS
  cmp #TOP_MULTIPLIER
  bcc :+
  lda #TOP_MULTIPLIER
: sta t0
  lda P + O_SPEED
  asl a
  clc
  adc P + O_SPEED               ; six multipliers a speed
  asl a
  adc t0
  tax
  lda score + 1
  clc
  adc kill_ones, x
  jsr digit
  sta score + 1
  lda score + 2
  adc kill_tens, x
  jsr digit
  sta score + 2
  lda score + 3
  adc #0
  jsr digit
  sta score + 3
  lda score + 4
  adc #0
  jsr digit
  sta score + 4
  lda score + 5
  adc #0
  jsr digit
  sta score + 5
  rts
.endproc

; A to one digit, carry out.
.proc digit
  cmp #10
  bcc @done
  sbc #10
  sec
@done:
  rts
.endproc

.proc reset_score
  ldx #5
  lda #0
: sta score, x
  dex
  bpl :-
  rts
.endproc

.proc keep_high_score
  ldx #5
@compare:
  lda score, x
  cmp high_score, x
  bcc @done
  bne @copy
  dex
  bpl @compare
@done:
  rts
@copy:
  ldx #5
: lda score, x
  sta high_score, x
  dex
  bpl :-
  rts
.endproc
