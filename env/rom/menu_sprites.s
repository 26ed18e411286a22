; What moves on the title and on the options: markers of both players, and capsules that fall behind it all.
.include "ram.inc"
.include "routines.inc"

TITLE_POINTER_X = 72
TITLE_POINTER_Y = 151
ROW_POINTER_X = 40
LEVEL_X = 57
NAME_X = 186
DIGITS_X = 206
TILE_POINTER = $2C
TILE_MARKER = $2D
TILE_P = $19
ATTR_FIRST = 1
ATTR_SECOND = $83               ; blue, and upside down
ATTR_SECOND_TEXT = 3
ATTR_BEHIND = $20
MUSIC_Y = 175
CAPSULES = 6
RAIN_TOP = 32
RAIN_BOTTOM = 208

block_of = t5                   ; offset of a player's block
shown_level = t6

.segment "CODE"

.proc show_title
  lda #ATTR_FIRST
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
  jsr put_sprite
  ; fall through
.endproc

; Half a pixel a frame: the count of the counter's wraps is the ninth bit.
.proc show_capsule_rain
  lda #ATTR_BEHIND
  sta spr_attr
  ldy #CAPSULES - 1
@capsule:
  lda countdown
  lsr a
  lda frame_counter
  ror a
  clc
  adc rain_y, y
  cmp #RAIN_TOP                 ; behind a wall it would show through the joints
  bcc @next
  cmp #RAIN_BOTTOM
  bcs @next
  sta spr_y
  lda rain_x, y
  sta spr_x
  lda rain_first, y
  sta t0
  lda rain_second, y
  sta t1
  tya
  pha
  lda spr_y
  lsr a
  lsr a
  lsr a
  lsr a
  and #3
  jsr put_capsule
  pla
  tay
@next:
  dey
  bpl @capsule
  rts
.endproc

.proc show_options
  lda #ATTR_FIRST
  sta spr_attr
  lda #ROW_POINTER_X
  sta spr_x
  ldx option_row
  lda row_y, x
  sta spr_y
  lda #TILE_POINTER
  jsr put_sprite
  ldx music
  lda choice_x, x
  sta spr_x
  lda #MUSIC_Y
  sta spr_y
  lda #TILE_MARKER
  jsr put_sprite
  ldy #0
  jsr two_play
  bcc show_choices
  iny                           ; two: player 1's number makes room
  jsr show_choices
  ldy #2
  ; fall through
.endproc

; Y = 0 alone, 1 and 2: of two players.
.proc show_choices
  sty t4
  ldx choices_block, y
  stx block_of
  lda marker_attr, y
  sta spr_attr
  lda P1 + O_SPEED, x
  tax
  lda choice_x, x
  sta spr_x
  lda speed_y, y
  sta spr_y
  lda #TILE_MARKER
  jsr put_sprite
  ldx block_of
  lda P1 + O_LEVEL, x
  cmp #TOP_LEVEL + 1
  bcc :+
  lda #TOP_LEVEL
: sta shown_level
  asl a                         ; six pixels a level
  adc shown_level
  asl a
  adc #LEVEL_X
  sta spr_x
  lda level_y, y
  sta spr_y
  lda #TILE_MARKER
  jsr put_sprite
  ; fall through
.endproc

.proc show_level_number
  ldy t4
  lda text_attr, y
  sta spr_attr
  lda digits_y, y
  sta spr_y
  cpy #0
  beq @number
  lda #NAME_X
  sta spr_x
  lda #TILE_P
  jsr put_sprite
  lda #NAME_X + 8
  sta spr_x
  tya                           ; 1 or 2
  jsr put_sprite
@number:
  lda #DIGITS_X
  sta spr_x
  lda shown_level
  jmp put_number
.endproc

.segment "DATA"
row_y:
  .byte 55, 103, 151
choice_x:
  .byte 72, 124, 176
choices_block:
  .byte P1 - P1, P1 - P1, P2 - P1
marker_attr:
  .byte ATTR_FIRST, ATTR_FIRST, ATTR_SECOND
text_attr:
  .byte ATTR_FIRST, ATTR_FIRST, ATTR_SECOND_TEXT
level_y:
  .byte 81, 81, 61
digits_y:
  .byte 71, 77, 65
speed_y:
  .byte 127, 127, 109
rain_x:
  .byte 12, 32, 216, 236, 56, 192
rain_y:
  .byte 0, 116, 60, 190, 228, 20
rain_first:
  .byte 0, 2, 1, 2, 1, 0
rain_second:
  .byte 1, 2, 0, 1, 1, 2
