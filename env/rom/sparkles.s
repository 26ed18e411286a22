; Stars that rise in the bottle of whoever has cleared it.
.include "ram.inc"
.include "routines.inc"

TILE_STAR = $A0
STARS = 8
FLOOR_Y = (FIELD_ROW + LAST_ROW) * 8
TALL = $7F
BEHIND_TEXT = $21

.segment "CODE"

.proc show_sparkles
  lda mode
  cmp #MODE_PLAY
  bne @done
  lda round_step
  beq @done
  lda #BEHIND_TEXT
  sta spr_attr
  lda P1 + O_VIRUSES
  bne :+
  lda field_column
  jsr show_stars
: jsr two_play
  bcc @done
  lda P2 + O_VIRUSES
  bne @done
  lda field_column + 1
  jmp show_stars
@done:
  rts
.endproc

; A = column of the field.
.proc show_stars
  asl a
  asl a
  asl a
  sta t0
  ldy #STARS - 1
@star:
  lda star_x, y
  clc
  adc t0
  sta spr_x
  lda frame_counter
  adc star_start, y
  and #TALL
  sta t1
  lda #FLOOR_Y
  sec
  sbc t1
  sta spr_y
  lda #TILE_STAR
  jsr put_sprite
  dey
  bpl @star
  rts
.endproc

.segment "DATA"
star_x:
  .byte 0, 29, 52, 13, 40, 56, 6, 22
star_start:
  .byte 0, 19, 35, 50, 66, 81, 99, 113
