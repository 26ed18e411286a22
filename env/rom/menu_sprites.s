; What moves on the title and on the options: markers, and the three viruses at home.
.include "ram.inc"
.include "routines.inc"

TITLE_POINTER_X = 72
TITLE_POINTER_Y = 151
ROW_POINTER_X = 40
LEVEL_X = 57
LEVEL_Y = 81
DIGITS_X = 200
DIGITS_Y = 71
SPEED_Y = 127
MUSIC_Y = 175
TILE_POINTER = $2C
TILE_MARKER = $2D
ATTR_MARKER = 1

.segment "CODE"

.proc show_title
  lda #ATTR_MARKER
  sta spr_attr
  lda #TITLE_POINTER_X
  sta spr_x
  lda players
  sec
  sbc #1
  beq :+
  clc
  adc vs_cpu
: asl a
  asl a
  asl a
  asl a
  clc
  adc #TITLE_POINTER_Y
  sta spr_y
  lda #TILE_POINTER
  jmp put_sprite
.endproc

.proc show_options
  lda #ATTR_MARKER
  sta spr_attr
  lda #ROW_POINTER_X
  sta spr_x
  ldx option_row
  lda row_y, x
  sta spr_y
  lda #TILE_POINTER
  jsr put_sprite
  jsr show_level_marker
  ldx P1 + O_SPEED
  lda choice_x, x
  sta spr_x
  lda #SPEED_Y
  sta spr_y
  lda #TILE_MARKER
  jsr put_sprite
  ldx music
  lda choice_x, x
  sta spr_x
  lda #MUSIC_Y
  sta spr_y
  lda #TILE_MARKER
  jmp put_sprite
.endproc

.proc show_level_marker
  lda P1 + O_LEVEL
  cmp #21
  bcc :+
  lda #20
: sta t1
  asl a                         ; six pixels a level
  adc t1
  asl a
  adc #LEVEL_X
  sta spr_x
  lda #LEVEL_Y
  sta spr_y
  lda #TILE_MARKER
  jsr put_sprite
  lda #DIGITS_X
  sta spr_x
  lda #DIGITS_Y
  sta spr_y
  lda t1
  jmp put_number
.endproc

.segment "DATA"
row_y:
  .byte 55, 103, 151
choice_x:
  .byte 72, 124, 176
