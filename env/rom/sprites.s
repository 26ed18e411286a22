; Sprites: the list that the NMI sends to the display, filled anew every frame.
.include "ram.inc"
.include "routines.inc"

.segment "CODE"

; Called once a frame, after the rules and in a pause: only looks at RAM, never changes the game.
.proc show_sprites
  jsr hide_sprites
  lda mode
  asl a
  tax
  lda show_table + 1, x
  pha
  lda show_table, x
  pha
  rts
.endproc

show_table:
  .addr show_title - 1, show_options - 1, show_nothing - 1, show_nothing - 1, show_level - 1
  .addr show_level - 1, show_nothing - 1, show_level - 1, show_level - 1

show_nothing:
  rts

; Every sprite below the picture: 64 stores, a quarter of a loop's time.
.proc hide_sprites
  lda #0
  sta oam_cursor
  lda #$FF
.repeat 64, I
  sta oam + 4 * I
.endrepeat
  rts
.endproc

; A = tile, at spr_x, spr_y with spr_attr.  Keeps Y.
.proc put_sprite
  ldx oam_cursor
  sta oam + 1, x
  lda spr_y
  sta oam, x
  lda spr_attr
  sta oam + 2, x
  lda spr_x
  sta oam + 3, x
  txa
  clc
  adc #4
  sta oam_cursor
  rts
.endproc

; A = first tile of a drawing of X by Y tiles, numbered row by row; as fast as it can be, being most of a frame's sprites.
.proc put_drawing
  stx t0
  sty t1
  tay
  lda spr_x
  sta t2
@row:
  lda t0
  sta t3
  lda t2
  sta spr_x
  ldx oam_cursor
@tile:
  lda spr_y
  sta oam, x
  tya
  sta oam + 1, x
  iny
  lda spr_attr
  sta oam + 2, x
  lda spr_x
  sta oam + 3, x
  clc
  adc #8
  sta spr_x
  inx
  inx
  inx
  inx
  dec t3
  bne @tile
  stx oam_cursor
  lda spr_y
  clc
  adc #8
  sta spr_y
  dec t1
  bne @row
  rts
.endproc

; A = rotation, t0/t1 = first and second colour, lower-left cell at spr_x, spr_y.
.proc put_capsule
  tay
  cmp #2
  bcc :+
  ldx t0                        ; rotations 2 and 3 have the second colour first
  lda t1
  sta t0
  stx t1
: tya
  lsr a
  bcs @vertical
  lda t0
  ora #CELL_LEFT
  jsr put_sprite
  lda spr_x
  clc
  adc #8
  sta spr_x
  lda t1
  ora #CELL_RIGHT
  jmp put_sprite
@vertical:
  lda t0
  ora #CELL_BOTTOM
  jsr put_sprite
  lda spr_y
  sec
  sbc #8
  sta spr_y
  lda t1
  ora #CELL_TOP
  jmp put_sprite
.endproc

; A = number below 100, two digits from spr_x on.
.proc put_number
  ldy #0
: cmp #10
  bcc :+
  sbc #10
  iny
  bne :-
: sta t0
  tya
  jsr put_sprite
  lda spr_x
  clc
  adc #8
  sta spr_x
  lda t0
  jmp put_sprite
.endproc

; A/X = address of x, y, then tiles up to $FF: letters that swim.
.proc put_text
  sta source
  stx source + 1
  ldy #0
  lda (source), y
  sta spr_x
  iny
  lda (source), y
  sta t0
@next:
  iny
  lda (source), y
  bmi @done
  pha
  tya
  asl a
  asl a
  adc frame_counter
  lsr a
  lsr a
  lsr a
  and #7
  tax
  lda swim, x
  clc
  adc t0
  sta spr_y
  pla
  jsr put_sprite
  lda spr_x
  clc
  adc #11
  sta spr_x
  bne @next
@done:
  rts
.endproc

.segment "DATA"
swim:
  .byte 0, 1, 2, 2, 2, 1, 0, 0
