; A level's sprites: each player's falling and next capsule, the throw, what a pause says.
.include "ram.inc"
.include "routines.inc"

NEXT_X = 200                    ; one player: in its window
NEXT_Y = 75
NEXT_ABOVE = 24                 ; two: above the neck, from the field's left edge
NEXT_ABOVE_Y = 31

.segment "CODE"

.proc show_level
  lda pause_state
  bne show_pause
  jsr show_sparkles
  lda attract
  beq show_players
  lda #1
  sta spr_attr
  lda #<demo_text
  ldx #>demo_text
  jsr put_text
  ; fall through
.endproc

.proc show_players
  jsr show_mascots
  lda round_winner
  bne @done                     ; a box is over the field
  ldy #0
  lda field_column
  jsr show_capsules
  jsr two_play
  bcc @done
  ldy #P2 - P1
  lda field_column + 1
  jmp show_capsules
@done:
  rts
.endproc

; The field is hidden, or open to be studied.
.proc show_pause
  lda #1
  sta spr_attr
  lda ppu_mask
  cmp #MASK_ALL
  beq @study
  jsr show_sleepers
  lda #1
  sta spr_attr
  lda #<pause_text
  ldx #>pause_text
  jmp put_text
@study:
  lda #<study_text
  ldx #>study_text
  jsr put_text
  jmp show_players
.endproc

; Y = player's block, A = column of its field.
.proc show_capsules
  asl a
  asl a
  asl a
  sta t2
  lda #0
  sta spr_attr
  lda P1 + O_ACTION, y
  beq @falling
  cmp #ACT_SPAWNED
  beq @falling
  cmp #ACT_THROWING
  bne show_next
  jsr two_play
  bcc show_thrown
  bcs show_next                 ; two players: no throw
@falling:
  tya
  pha
  jsr show_falling
  pla
  tay
  ; fall through
.endproc

.proc show_next
  jsr next_colours
  jsr two_play
  bcs @above
  lda #NEXT_X
  sta spr_x
  lda #NEXT_Y
  bne @put
@above:
  lda t2
  clc
  adc #NEXT_ABOVE
  sta spr_x
  lda #NEXT_ABOVE_Y
@put:
  sta spr_y
  lda #0
  jmp put_capsule
.endproc

; The next capsule flies from its window into the neck, spinning.
.proc show_thrown
  jsr next_colours
  ldx throw_step
  lda throw_x, x
  sta spr_x
  lda throw_y, x
  sta spr_y
  lda throw_rot, x
  jmp put_capsule
.endproc

.proc next_colours
  lda P1 + O_NEXT1, y
  sta t0
  lda P1 + O_NEXT2, y
  sta t1
  rts
.endproc

.proc show_falling
  lda P1 + O_X, y
  asl a
  asl a
  asl a
  adc t2
  sta spr_x
  ldx P1 + O_Y, y
  lda row_of_height, x          ; already times 8
  clc
  adc #FIELD_ROW * 8 - 1
  sta spr_y
  lda P1 + O_COLOUR1, y
  sta t0
  lda P1 + O_COLOUR2, y
  sta t1
  lda P1 + O_ROT, y
  jmp put_capsule
.endproc

.segment "DATA"
; from the window of the next capsule over the rim into the neck
throw_x:
  .byte 200, 195, 191, 186, 181, 176, 172, 167, 162, 158, 153, 148
  .byte 144, 139, 134, 129, 125, 120, 120, 120, 120, 120, 120
throw_y:
  .byte 75, 66, 57, 50, 44, 38, 33, 29, 27, 25, 25, 26
  .byte 28, 31, 34, 39, 45, 52, 57, 63, 68, 74, 79
pause_text:
  .byte 102, 104, $19, $0A, $1E, $1C, $0E, $FF
demo_text:
  .byte 108, 217, $0D, $0E, $16, $18, $FF
study_text:
  .byte 102, 23, $1C, $1D, $1E, $0D, $22, $FF
